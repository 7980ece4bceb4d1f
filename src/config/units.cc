#include "config/units.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>
#include <span>

#include "base/text.h"

namespace sojourn::config {
namespace {

struct Unit {
  std::string_view name;
  uint64_t factor;
};

// A whole number and one of the units; nothing when it is not, or more than `most`.
std::expected<uint64_t, std::string> parse(std::string_view text, std::span<const Unit> units,
                                           uint64_t most, std::string_view example) {
  uint64_t number = 0;
  const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), number);
  const std::string_view name(end, static_cast<size_t>(text.data() + text.size() - end));
  if (ec == std::errc()) {
    if (number == 0 && name.empty()) return 0;
    for (const Unit& unit : units) {
      if (unit.name != name) continue;
      if (number > most / unit.factor) break;
      return number * unit.factor;
    }
  }
  return std::unexpected(
      fmt::format("\"{}\" is not a whole number with a unit; write it as {}", text, example));
}

std::string shown(uint64_t number, std::span<const Unit> units) {
  const Unit* best = &units.front();
  for (const Unit& unit : units) {
    if (number != 0 && number % unit.factor == 0) best = &unit;
  }
  return fmt::format("{}{}", number / best->factor, best->name);
}

constexpr Unit kDurations[] = {
    {"ms", 1}, {"s", 1000}, {"m", 60'000}, {"h", 3'600'000}, {"d", 86'400'000}};
constexpr Unit kSizes[] = {{"B", 1},
                           {"KiB", uint64_t{1} << 10},
                           {"MiB", uint64_t{1} << 20},
                           {"GiB", uint64_t{1} << 30},
                           {"TiB", uint64_t{1} << 40}};

}  // namespace

std::expected<Duration, std::string> parse_duration(std::string_view text) {
  constexpr uint64_t kTenYears = uint64_t{3650} * 86'400'000;
  const auto ms = parse(text, kDurations, kTenYears, "250ms, 2s, 30m, 24h or 14d, up to 3650d");
  if (!ms) return std::unexpected(ms.error());
  return Duration(static_cast<int64_t>(*ms));
}

std::expected<uint64_t, std::string> parse_size(std::string_view text) {
  return parse(text, kSizes, uint64_t{1} << 50, "512B, 64KiB, 1MiB, 64GiB or 1TiB");
}

std::expected<Rate, std::string> parse_rate(std::string_view text) {
  if (text.empty()) return Rate{};
  const auto number = [](std::string_view digits, uint32_t most) -> std::optional<uint32_t> {
    uint32_t value = 0;
    const char* end = digits.data() + digits.size();
    const auto [stop, ec] = std::from_chars(digits.data(), end, value);
    if (ec != std::errc() || stop != end || value < 1 || value > most) return std::nullopt;
    return value;
  };
  constexpr std::string_view kBurst = " burst ";
  const size_t burst_at = text.find(kBurst);
  const std::string_view rate = text.substr(0, burst_at);
  const auto count = number(rate.substr(0, rate.find('/')), 1'000'000);
  const auto burst = burst_at == std::string_view::npos
                         ? count
                         : number(text.substr(burst_at + kBurst.size()), 10'000'000);
  const std::string_view unit = rate.substr(std::min(rate.find('/'), rate.size()));
  if (count && burst && (unit == "/s" || unit == "/m" || unit == "/h")) {
    const Duration per = unit == "/s"   ? Duration(std::chrono::seconds(1))
                         : unit == "/m" ? Duration(std::chrono::minutes(1))
                                        : Duration(std::chrono::hours(1));
    return Rate{.count = *count, .per = per, .burst = *burst};
  }
  return std::unexpected(
      fmt::format("\"{}\" is no rate; write it as 100/s, 600/m, 1000/h or 100/s burst 500", text));
}

std::string shown_rate(const Rate& rate) {
  if (!rate.limits()) return {};
  const char unit = rate.per == std::chrono::seconds(1)   ? 's'
                    : rate.per == std::chrono::minutes(1) ? 'm'
                                                          : 'h';
  return fmt::format("{}/{} burst {}", rate.count, unit, rate.burst);
}

std::string shown_duration(Duration duration) {
  return shown(static_cast<uint64_t>(duration.count()), kDurations);
}

std::string shown_size(uint64_t bytes) { return shown(bytes, kSizes); }

// The password is what is between the first ':' behind "://" and the last '@': so one that holds
// characters that should have been percent-encoded is hidden whole.
std::string without_password(std::string_view url) {
  const size_t scheme = url.find("://");
  const size_t begin = scheme == std::string_view::npos ? 0 : scheme + 3;
  const size_t at = url.rfind('@');
  const size_t colon = url.find(':', begin);
  if (at == std::string_view::npos || colon == std::string_view::npos || colon > at) {
    return std::string(url);
  }
  return std::string(url.substr(0, colon + 1)) + "***" + std::string(url.substr(at));
}

// JSON's escapes are TOML's, but that TOML wants DEL escaped too.
std::string toml_string(std::string_view text) {
  std::string json;
  append_json_string(json, text);
  std::string out;
  for (const char c : json) {
    if (c == '\x7F') {
      out += "\\u007F";
    } else {
      out.push_back(c);
    }
  }
  return out;
}

}  // namespace sojourn::config
