// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <exception>
#include <functional>
#include <mutex>
#include <stop_token>
#include <thread>
#include <utility>
#include <vector>

#include "slices.hpp"

namespace http {

namespace asio = boost::asio;

/// An event loop that the doorman runs while the loop's own thread is in its handler.
struct shared_loop {
  asio::io_context context{1};
  std::mutex running;                    // held by the thread that runs it: its own, nearly always
  bool away = false;                     // its own thread is in the handler
  std::atomic<bool> answered{false};     // the request that its own thread is away for is about to have its answer
  std::atomic<bool> wanted_back{false};  // by its own thread, which is done
  asio::steady_timer back{context, asio::steady_timer::time_point::max()};  // wakes when it is not away any more
};

/// A thread that scores answers nobody. While one scores at its limit, this thread runs its loop: it reads requests and
/// refuses them, since the handler is not there to answer any. It sleeps while nobody is at the limit.
class doorman {
 public:
  explicit doorman(std::vector<std::reference_wrapper<shared_loop>> loops)
      : loops_(std::move(loops)), thread_([this](const std::stop_token& stop) { run(stop); }) {}
  ~doorman() {
    thread_.request_stop();
    ring();
  }
  doorman(const doorman&) = delete;
  doorman& operator=(const doorman&) = delete;

  /// While it exists the calling thread leaves its loop to the doorman.
  class absence {
   public:
    absence(doorman& in_place, shared_loop& loop) : doorman_(in_place), loop_(loop) {
      loop_.away = true;
      loop_.running.unlock();
      doorman_.ring();
    }
    ~absence() {
      --doorman_.away_;
      loop_.wanted_back = true;
      loop_.running.lock();
      loop_.wanted_back = false;
      loop_.answered = false;
      loop_.away = false;
      loop_.back.cancel();
    }
    absence(const absence&) = delete;
    absence& operator=(const absence&) = delete;

   private:
    doorman& doorman_;
    shared_loop& loop_;
  };

 private:
  // All that came meanwhile is refused at once: less switching between threads than for each alone. It works for half
  // as long as it sleeps at most: with more of a processor it would not be let in at once when it wakes, or be stopped
  // with the loop in its hands.
  static constexpr std::chrono::microseconds sleep{100}, work{50};

  void ring() {
    ++away_;
    away_.notify_one();
  }
  void run(const std::stop_token& stop) {
    run_in_slices(std::chrono::microseconds(100));  // shorter than those that score
    for (;;) {
      away_.wait(0);
      if (stop.stop_requested()) return;
      std::this_thread::sleep_for(sleep);
      for (shared_loop& loop : loops_) attend(loop);
    }
  }
  static void attend(shared_loop& loop) {
    const std::unique_lock lock(loop.running, std::try_to_lock);
    if (!lock || !loop.away) return;
    try {
      const auto end = std::chrono::steady_clock::now() + work;
      while (!loop.wanted_back && loop.context.poll_one() != 0 && std::chrono::steady_clock::now() < end) {
      }
    } catch (const std::exception&) {  // out of memory: what threw has ended, the others go on
    }
  }

  std::vector<std::reference_wrapper<shared_loop>> loops_;
  std::atomic<int> away_ = 0;
  std::jthread thread_;  // the last member: it is stopped first
};

}  // namespace http
