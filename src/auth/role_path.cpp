#include "auth/role_path.h"

#include <vector>

#include "auth/json_path.h"
#include "json/json.h"

namespace pgrest::auth {

namespace {

std::string text_of(const json::Value& value) {
    return value.kind == json::Kind::String ? json::string_of(value) : json::compact(value);
}

class JsonRolePath : public RolePath {
public:
    explicit JsonRolePath(JsonPath path) : path_(std::move(path)) {}

    std::optional<std::string> find(std::string_view claims) const override {
        const auto root = json::parse(claims);
        if (!root) return {};
        const auto value = path_.first(*root);
        if (!value) return {};
        return text_of(*value);
    }
    bool is_deprecated() const override { return false; }

private:
    JsonPath path_;
};

enum class Comparison { None, Equal, NotEqual, Begins, Ends, Contains };

// .key."any key"[0], and at the end perhaps [?(@ == "text")].
class DottedRolePath : public RolePath {
public:
    struct Step {
        bool is_index = false;
        std::string key;
        std::size_t index = 0;
    };

    static std::shared_ptr<const RolePath> parse(std::string_view text);

    std::optional<std::string> find(std::string_view claims) const override {
        auto value = json::parse(claims);
        for (const Step& step : steps_) {
            if (!value) return {};
            value = next(*value, step);
        }
        if (!value) return {};
        if (comparison_ == Comparison::None) return text_of(*value);
        for (const json::Value& element : json::elements(*value)) {
            if (element.kind != json::Kind::String) continue;
            std::string text = json::string_of(element);
            if (matches(text)) return text;
        }
        return {};
    }
    bool is_deprecated() const override { return true; }

private:
    static std::optional<json::Value> next(const json::Value& value, const Step& step) {
        if (!step.is_index) return json::member(value, step.key);
        const auto elements = json::elements(value);
        if (step.index >= elements.size()) return {};
        return elements[step.index];
    }

    bool matches(const std::string& text) const {
        switch (comparison_) {
            case Comparison::Equal:
                return text == wanted_;
            case Comparison::NotEqual:
                return text != wanted_;
            case Comparison::Begins:
                return text.compare(0, wanted_.size(), wanted_) == 0;
            case Comparison::Ends:
                return text.size() >= wanted_.size() &&
                       text.compare(text.size() - wanted_.size(), wanted_.size(), wanted_) == 0;
            case Comparison::Contains:
                return text.find(wanted_) != std::string::npos;
            case Comparison::None:
                break;
        }
        return false;
    }

    friend class DottedParser;
    std::vector<Step> steps_;
    Comparison comparison_ = Comparison::None;
    std::string wanted_;
};

class DottedParser {
public:
    explicit DottedParser(std::string_view text) : text_(text) {}

    bool parse(DottedRolePath& path) {
        while (!text_.empty()) {
            if (take(".")) {
                if (!key(path)) return false;
            } else if (take("[?(@")) {
                return filter(path) && text_.empty();
            } else if (take("[")) {
                if (!index(path)) return false;
            } else {
                return false;
            }
        }
        return !path.steps_.empty();
    }

private:
    bool take(std::string_view word) {
        if (text_.substr(0, word.size()) != word) return false;
        text_.remove_prefix(word.size());
        return true;
    }
    void skip() {
        while (take(" ")) {
        }
    }

    std::optional<std::string> quoted() {
        if (!take("\"")) return {};
        const std::size_t end = text_.find('"');
        if (end == std::string_view::npos) return {};
        std::string inner(text_.substr(0, end));
        text_.remove_prefix(end + 1);
        return inner;
    }

    bool key(DottedRolePath& path) {
        DottedRolePath::Step step;
        if (!text_.empty() && text_.front() == '"') {
            auto name = quoted();
            if (!name) return false;
            step.key = std::move(*name);
        } else {
            std::size_t length = 0;
            const auto plain = [](char c) {
                return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
                       c == '$' || c == '@' || static_cast<unsigned char>(c) >= 0x80;
            };
            while (length < text_.size() && plain(text_[length]))
                ++length;
            if (length == 0) return false;
            step.key = std::string(text_.substr(0, length));
            text_.remove_prefix(length);
        }
        path.steps_.push_back(std::move(step));
        return true;
    }

    bool index(DottedRolePath& path) {
        DottedRolePath::Step step;
        step.is_index = true;
        std::size_t digits = 0;
        while (digits < text_.size() && text_[digits] >= '0' && text_[digits] <= '9')
            ++digits;
        if (digits == 0 || digits > 9) return false;
        step.index = std::stoul(std::string(text_.substr(0, digits)));
        text_.remove_prefix(digits);
        path.steps_.push_back(step);
        return take("]");
    }

    bool filter(DottedRolePath& path) {
        skip();
        if (take("==^"))
            path.comparison_ = Comparison::Ends;
        else if (take("=="))
            path.comparison_ = Comparison::Equal;
        else if (take("!="))
            path.comparison_ = Comparison::NotEqual;
        else if (take("^=="))
            path.comparison_ = Comparison::Begins;
        else if (take("*=="))
            path.comparison_ = Comparison::Contains;
        else
            return false;
        skip();
        auto wanted = quoted();
        skip();
        if (!wanted || !take(")]")) return false;
        path.wanted_ = std::move(*wanted);
        return true;
    }

    std::string_view text_;
};

std::shared_ptr<const RolePath> DottedRolePath::parse(std::string_view text) {
    auto path = std::make_shared<DottedRolePath>();
    if (!DottedParser(text).parse(*path)) return nullptr;
    return path;
}

}  // namespace

std::shared_ptr<const RolePath> RolePath::parse(std::string_view text) {
    if (auto path = JsonPath::parse(text)) return std::make_shared<JsonRolePath>(std::move(*path));
    return DottedRolePath::parse(text);
}

}  // namespace pgrest::auth
