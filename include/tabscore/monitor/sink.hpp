// SPDX-License-Identifier: MIT
#pragma once

#include <concepts>
#include <cstddef>
#include <string_view>
#include <utility>

#include "../core/config.hpp"
#include "../core/detail/pack.hpp"
#include "../features/feature_block.hpp"
#include "../outputs/predictions.hpp"
#include "../schema/columns.hpp"

namespace tabscore::inline TABSCORE_ABI {

/// Records and their predictions. A view, valid during the call that receives it.
template <schema_type Schema>
struct scored {
  columns<Schema> records;            ///< the scored records
  predictions scores;                 ///< their predictions
  std::string_view log_members = {};  ///< of the request, for each line of a log: , "name": value
};

/// A sink. record() is called once per fully scored batch, never for a rejected one, by the scoring thread: it must be
/// safe for as many threads as share the pipeline, must not throw, and counts its own failures.
///
///     struct counter {
///       std::atomic<std::size_t> records = 0;
///       void record(const auto& batch) noexcept { records += batch.records.rows(); }
///     };
template <class Sink, class Schema>
concept batch_sink = requires(Sink& s, const scored<Schema>& batch) {
  { s.record(batch) }
  noexcept;
};

/// A sink that also reads the features, which exist one block at a time: observe() collects each block into a partial
/// (one per batch, on the scoring thread's stack), record() receives the partial of the complete batch.
template <class Sink, class Schema, std::size_t Width>
concept feature_sink = requires(const Sink& s, Sink& t, typename Sink::template partial<Width>& partial,
                                const scored<Schema>& batch, const feature_block& x) {
  { s.observe(partial, batch, x) }
  noexcept;
  { t.record(partial, batch) }
  noexcept;
};

/// A feature sink that also takes a batch of a single block directly, without a partial.
template <class Sink, class Schema, std::size_t Width>
concept block_sink = requires(Sink& s, const scored<Schema>& batch, const feature_block& x) {
  { s.template record_block<Width>(batch, x) }
  noexcept;
};

/// A sink that may refuse: admit() is called once a batch is fully scored, before any record(). After false the batch
/// is rejected, and no sink receives it.
template <class Sink, class Schema>
concept refusing_sink = requires(Sink& s, const scored<Schema>& batch) {
  { s.admit(batch) }
  noexcept->std::same_as<bool>;
};

/// A type that receives the batches of pipelines of the schema with this number of features.
template <class Sink, class Schema, std::size_t Width>
concept sink = batch_sink<Sink, Schema> || feature_sink<Sink, Schema, Width>;

namespace detail {
template <class Sink, class Schema, std::size_t Width>
constexpr bool checked_sink() {
  static_assert(sink<Sink, Schema, Width>, "tabscore: a sink has a noexcept record(batch)");
  return true;
}
}  // namespace detail

/// Passes each batch to its sinks, in order. Refers to them: they must outlive it. As thread-safe as they are.
template <class... Sink>
class sinks {
 public:
  /// The sinks must outlive it.
  constexpr explicit sinks(Sink&... s) noexcept : all_(s...) {}

  /// Whether all sinks accept the batches of such a pipeline; a compile error names the one that does not.
  template <schema_type Schema, std::size_t Width>
  static constexpr bool fit = (true && ... && detail::checked_sink<Sink, Schema, Width>());

  /// False when a sink refuses the batch.
  template <schema_type Schema>
  bool admit(const scored<Schema>& batch) const noexcept {
    static_assert((0 + ... + int{refusing_sink<Sink, Schema>}) <= 1,
                  "tabscore: a pipeline accepts one sink with admit(): two could disagree about a batch");
    const auto ask = [&]<class S>(S& s) {
      if constexpr (refusing_sink<S, Schema>) return s.admit(batch);
      return true;
    };
    return all_.apply([&](auto&... s) { return (true && ... && ask(s)); });
  }
  /// Records a batch of one block with features x; larger batches use an observation.
  template <std::size_t Width, schema_type Schema>
  void record(const scored<Schema>& batch, const feature_block& x) const noexcept {
    const auto tell = [&]<class S>(S& s) {
      if constexpr (block_sink<S, Schema, Width>) {
        s.template record_block<Width>(batch, x);
      } else if constexpr (feature_sink<S, Schema, Width>) {
        typename S::template partial<Width> partial;
        std::as_const(s).observe(partial, batch, x);
        s.record(partial, batch);
      } else {
        static_assert(sink<S, Schema, Width>, "tabscore: a sink has a noexcept record(batch)");
        s.record(batch);
      }
    };
    all_.apply([&](auto&... s) { (tell(s), ...); });
  }

  /// The partials of a batch while its blocks are scored.
  template <schema_type Schema, std::size_t Width>
  class observation {
    template <class S>
    struct nothing {};
    template <class S>
    static auto partial_of() {
      if constexpr (feature_sink<S, Schema, Width>) {
        return typename S::template partial<Width>{};
      } else {
        return nothing<S>{};
      }
    }

   public:
    /// The sinks must outlive it.
    constexpr explicit observation(const sinks& all) : sinks_(all) {}

    /// Calls observe() of the sinks that have it.
    void observe(const scored<Schema>& block, const feature_block& x) noexcept {
      each([&]<class S>(S& s, auto& partial) {
        if constexpr (feature_sink<S, Schema, Width>) std::as_const(s).observe(partial, block, x);
      });
    }
    /// Calls record() of all sinks.
    void record(const scored<Schema>& batch) noexcept {
      each([&]<class S>(S& s, auto& partial) {
        static_assert(sink<S, Schema, Width>, "tabscore: a sink has a noexcept record(batch)");
        if constexpr (feature_sink<S, Schema, Width>) {
          s.record(partial, batch);
        } else {
          s.record(batch);
        }
      });
    }

   private:
    template <class F>
    void each(F&& f) noexcept {
      sinks_.all_.apply([&](auto&... s) { partials_.apply([&](auto&... partial) { (f(s, partial), ...); }); });
    }
    const sinks& sinks_;
    detail::pack<decltype(partial_of<Sink>())...> partials_;
  };

 private:
  detail::pack<Sink&...> all_;
};

}  // namespace tabscore::inline TABSCORE_ABI
