#include "optimized/simt/emulator/sanitizer/access.hpp"

#include "optimized/simt/emulator/sanitizer/describe.hpp"
#include "optimized/simt/emulator/sanitizer/race.hpp"
#include "optimized/simt/emulator/scheduler.hpp"
#include "optimized/simt/error.hpp"

#include <fmt/format.h>

#include <array>

namespace assay::simt::inline ASSAY_BUILD {
namespace {

// A fuzzed schedule preempts at one access in so many.
constexpr unsigned k_preempt_one_access_in = 64;

struct alignas(16) sixteen_bytes {
  std::array<std::byte, 16> bytes;
};
constexpr std::byte k_poison_byte{0xff};
sixteen_bytes g_sink;

// What reads out of bounds give, whatever was written there before.
void* poison() {
  g_sink.bytes.fill(k_poison_byte);
  return &g_sink;
}

[[gnu::cold, gnu::noinline]] thread& refuse_host_access(std::source_location where) {
  throw error(fmt::format("{}:{}", where.file_name(), where.line()),
              "a kernel's pointer was used outside of a kernel", "a copy to the host");
}

// The access being made.
struct access {
  sanitizer& all;
  block& b;
  thread& t;
  const extent& bounds;
  std::byte* address;
  unsigned bytes;
  unsigned alignment;
  std::uint32_t site;

  bool is_inside() const {
    return address >= bounds.begin && bounds.end - address >= static_cast<std::ptrdiff_t>(bytes);
  }
  bool is_aligned() const {
    return (reinterpret_cast<std::uintptr_t>(address) & (alignment - 1)) == 0;
  }
  std::size_t offset() const { return static_cast<std::size_t>(address - bounds.owner->base); }

  template <class Message>
  void report(offence what, std::uint32_t other, Message message) const {
    all.report(what, b, t, site, other, message);
  }
};

access begin_access(const void* address, const extent* bounds, unsigned bytes, unsigned alignment,
                    std::source_location where) {
  if (here.thread == nullptr) refuse_host_access(where);
  block& b = this_block();
  if (b.is_fuzzed && b.random.below(k_preempt_one_access_in) == 0) yield();
  sanitizer& all = the_sanitizer();
  return {all,
          b,
          this_thread(),
          *bounds,
          static_cast<std::byte*>(const_cast<void*>(address)),
          bytes,
          alignment,
          all.sites.number(where)};
}

[[gnu::cold, gnu::noinline]] void report_bounds(const access& a, const char* verb, bool is_write) {
  a.report(is_write ? offence::write_out_of_bounds : offence::read_out_of_bounds, 0,
           [&] { return describe_out_of_bounds(a.all, verb, a.bounds, a.address, a.bytes); });
}

[[gnu::cold, gnu::noinline]] void report_misaligned(const access& a, const char* verb) {
  a.report(offence::misaligned, 0, [&] {
    return fmt::format("{} of {} bytes at {}, which is not a multiple of {}", verb, a.bytes,
                       describe_place(a.all, a.bounds, a.address), a.alignment);
  });
}

[[gnu::cold, gnu::noinline]] void report_race(const access& a, const char* verb, conflict found) {
  const bool is_copy = !found.is_write && class_of(found.with) == class_of(k_async);
  const offence what = is_copy ? offence::write_to_source_of_pending_copy : offence::race;
  a.report(what, site_of(found.with), [&] {
    return fmt::format(
        "{} of {} bytes at {} {} {}", verb, a.bytes, describe_place(a.all, a.bounds, a.address),
        is_copy ? "before the wait for" : "races with", describe_conflict(a.all, a.b, found));
  });
}

[[gnu::cold, gnu::noinline]] void report_pending(const access& a, const char* verb, bool is_write,
                                                 stamp copy) {
  a.report(is_write ? offence::write_to_pending_copy : offence::read_of_pending_copy, site_of(copy),
           [&] {
             return fmt::format(
                 "{} of {} bytes at {}, where a cp.async by thread {} that it has not waited for "
                 "is to land",
                 verb, a.bytes, describe_place(a.all, a.bounds, a.address),
                 describe_thread(a.b, rank_of(copy)));
           });
}

[[gnu::cold, gnu::noinline]] void report_uninitialised(const access& a, const char* verb) {
  a.report(offence::uninitialised_read, 0, [&] {
    return fmt::format("{} of {} bytes at {}, which nothing has written", verb, a.bytes,
                       describe_place(a.all, a.bounds, a.address));
  });
}

constexpr access_class class_in_counters(bool is_shared, bool is_write, bool is_atomic) {
  if (is_shared) return is_atomic ? access_class::shared_atomic : access_class::shared_access;
  if (is_atomic) return access_class::global_atomic;
  return is_write ? access_class::global_store : access_class::global_load;
}

// The checks of an access inside its bounds: RECORD(cell_access, cell) gives what it races with.
struct checks {
  const char* verb;
  bool reads;  // the memory must have been written
  bool writes;
  bool is_atomic;
};

template <class Record>
void check_cells(const access& a, checks what, Record record) {
  const bool is_shared = a.bounds.owner->where == space::shared;
  cell_access seen(a.all, a.b, a.t, is_shared);
  const auto [first, count] = a.bounds.owner->cells.cells(a.offset(), a.bytes);
  for (cell* c = first; c != first + count; ++c) {
    if (seen.is_pending(*c)) {
      report_pending(a, what.verb, what.writes, c->write);
      if (!what.writes) continue;
    }
    const bool is_fresh = what.reads && !seen.is_initialised(*c);
    const conflict found = record(seen, *c);
    if (found.with != 0 && a.all.checks_races) {
      report_race(a, what.verb, found);
    } else if (is_fresh) {
      report_uninitialised(a, what.verb);
    }
  }
}

// An access to the whole: false if it must not happen.
template <class Record>
bool check(const access& a, checks what, Record record) {
  if (!a.is_inside()) [[unlikely]] {
    report_bounds(a, what.verb, what.writes);
    return false;
  }
  const bool is_shared = a.bounds.owner->where == space::shared;
  // The width of an instruction is what its addresses are aligned to; a cp.async may read less.
  const instruction_kind kind = kind_of(a.site, a.bounds.owner->number, a.alignment,
                                        class_in_counters(is_shared, what.writes, what.is_atomic));
  warp_log& log = a.t.home->observed.log;
  if (a.bytes == a.alignment) [[likely]] {
    log.add(a.t.lane, kind, static_cast<std::int64_t>(a.offset()));
  } else {
    log.add_ragged(a.t.lane, kind, static_cast<std::int64_t>(a.offset()), a.bytes);
  }
  if (!a.is_aligned()) [[unlikely]] {
    report_misaligned(a, what.verb);  // a GPU stops here
    return true;
  }
  check_cells(a, what, record);
  return true;
}

constexpr checks k_read{"read", true, false, false};
constexpr checks k_write{"write", false, true, false};
constexpr checks k_update{"atomic", true, true, true};
constexpr checks k_exchange{"atomic exchange", false, true, true};
constexpr checks k_copy_from{"cp.async from memory, a read", true, false, false};
constexpr checks k_copy_to{"cp.async into memory, a write", false, true, false};

}  // namespace

const void* checked_read(const void* address, const extent* bounds, unsigned bytes,
                         std::source_location where) {
  const access a = begin_access(address, bounds, bytes, bytes, where);
  const bool may =
      check(a, k_read, [&](cell_access& seen, cell& c) { return seen.read(c, a.site); });
  return may ? address : poison();
}

void* checked_write(void* address, const extent* bounds, unsigned bytes,
                    std::source_location where) {
  const access a = begin_access(address, bounds, bytes, bytes, where);
  const bool may =
      check(a, k_write, [&](cell_access& seen, cell& c) { return seen.write(c, a.site); });
  return may ? address : poison();
}

void* checked_atomic(void* address, const extent* bounds, unsigned bytes, bool is_exchange,
                     std::source_location where) {
  const access a = begin_access(address, bounds, bytes, bytes, where);
  const bool may = check(a, is_exchange ? k_exchange : k_update,
                         [&](cell_access& seen, cell& c) { return seen.atomic(c, a.site); });
  if (!may) return poison();
  a.all.order.atomic(a.b, a.t, address);
  return address;
}

// ---- cp.async and ldmatrix

bool observe::starts(thread&, async_copy& copy, shared<std::byte> to, global<const std::byte> from,
                     std::source_location where) {
  const access source = begin_access(from.address(), from.bounds(), copy.valid, copy.bytes, where);
  const access target = begin_access(to.address(), to.bounds(), copy.bytes, copy.bytes, where);
  copy.to = to.address();
  copy.from = from.address();
  copy.to_extent = to.bounds();
  copy.from_extent = from.bounds();
  copy.site = target.site;
  // A copy that cannot be is told of once: it is not waited for.
  const bool may = target.is_inside() && (copy.valid == 0 || source.is_inside());
  if (copy.valid > 0) {
    check(source, k_copy_from, [&](cell_access& seen, cell& c) {
      return may ? seen.start_copy_from(c, source.site) : seen.read(c, source.site);
    });
  }
  check(target, k_copy_to, [&](cell_access& seen, cell& c) {
    return may ? seen.start_copy_to(c, target.site) : seen.write(c, target.site);
  });
  return may;
}

void observe::lands(thread& t, const async_copy& copy) {
  sanitizer& all = the_sanitizer();
  const auto each_cell = [&](const extent* bounds, const void* address, unsigned bytes, auto act) {
    const auto at = static_cast<const std::byte*>(address);
    const auto offset = static_cast<std::size_t>(at - bounds->owner->base);
    if ((offset & (copy.bytes - 1u)) != 0) return;  // was reported, and has no cells
    const auto [first, count] = bounds->owner->cells.cells(offset, bytes);
    cell_access seen(all, this_block(), t, bounds->owner->where == space::shared);
    for (cell* c = first; c != first + count; ++c) act(seen, *c);
  };
  if (copy.valid > 0) {
    each_cell(copy.from_extent, copy.from, copy.valid,
              [&](cell_access& seen, cell& c) { seen.land_copy_from(c, copy.site); });
  }
  each_cell(copy.to_extent, copy.to, copy.bytes,
            [&](cell_access& seen, cell& c) { seen.land_copy_to(c, copy.site); });
}

const std::byte* observe::reads_row(shared<const std::byte> row, std::source_location where) {
  return static_cast<const std::byte*>(checked_read(row.address(), row.bounds(), 16, where));
}

}  // namespace assay::simt::inline ASSAY_BUILD
