// The job table: requests on their way from a listener to an executor and back. The oldest request goes to whichever
// executor is idle. Every function takes the lock for a moment, and none can raise.
//
//   listener                                  executor
//   hold_job, fill it, submit_job  ────────▶  take_job, read it
//   collect_news  ◀──── tell_listener ──────  answer through the stream
//   release_job                               finish_job
#pragma once

#include <cstdint>

#include "ipc/shared.h"

namespace pgrest::ipc {

// ---- listener
// A free slot for a request; nothing = all are taken, and the listener's latch is set when one is free again.
int hold_job(int listener);

void submit_job(int job);

// Takes back a job that no executor has begun. False when one has.
bool withdraw_job(int job);

// The listener is done with the job. An executor that still works on it is told that nobody waits.
void release_job(int job);

// Cancels what the job runs.
void cancel_job(int job);

// The jobs that something has happened to since the last call; room for all jobs. Returns how many.
int collect_news(int listener, int* jobs);

// Sets the latch of the executor that works on the job: the client has taken something.
void wake_executor(int job);

// Releases everything that a listener held when it ended.
void forget_listener(int listener);

// ---- executor
// The oldest job; nothing = none, and the executor counts as idle.
int take_job(int executor);

// Gives a job back, to be run by an executor that has run nothing yet. The listener is told: it may wait for long
// again.
void give_back_job(int job);

// The executor is not idle any more. For whoever holds the lock already, as the next one.
void unlist_idle(int executor);

// The same for one that takes no job for a while, or never again. Returns the latch, to be set once the lock is
// released, of another one that takes the job which this one may have been woken for; null = none is needed or idle.
Latch* unlist_and_pass_on(int executor);

// The executor is busy with something else than a job.
void step_aside(int executor);

// There is more of the answer, or it was broken off.
void tell_listener(int job);

// The answer is complete or broken off, and the executor is done with the job.
void finish_job(int job, StreamEnd end);

}  // namespace pgrest::ipc
