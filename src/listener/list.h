// A doubly linked list of objects that carry their own links: O(1) everywhere and no allocation. An object is on a list
// by a hook of its own, and must leave it before it ends.
#pragma once

namespace pgrest::listener {

template <typename T>
struct Hook {
    T* previous = nullptr;
    T* next = nullptr;
    bool listed = false;
};

template <typename T, Hook<T> T::*Member>
class List {
public:
    T* front() const { return first_; }
    bool empty() const { return !first_; }
    static T* after(const T& item) { return (item.*Member).next; }

    void append(T& item) {
        Hook<T>& hook = item.*Member;
        if (hook.listed) return;
        hook = {last_, nullptr, true};
        if (last_)
            (last_->*Member).next = &item;
        else
            first_ = &item;
        last_ = &item;
    }

    void remove(T& item) {
        Hook<T>& hook = item.*Member;
        if (!hook.listed) return;
        if (hook.previous)
            (hook.previous->*Member).next = hook.next;
        else
            first_ = hook.next;
        if (hook.next)
            (hook.next->*Member).previous = hook.previous;
        else
            last_ = hook.previous;
        hook = {};
    }

private:
    T* first_ = nullptr;
    T* last_ = nullptr;
};

}  // namespace pgrest::listener
