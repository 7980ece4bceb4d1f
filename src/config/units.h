// Durations and sizes as people write them in options.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/rate.h"

namespace sojourn::config {

// "250ms", "2s", "30m", "24h", "14d"; "0" needs no unit. A whole number of up to 10 years. The
// error says what is wrong and what would be right.
std::expected<Duration, std::string> parse_duration(std::string_view text);

// "512B", "64KiB", "1MiB", "64GiB", "1TiB". Up to 1 PiB.
std::expected<uint64_t, std::string> parse_size(std::string_view text);

// "100/s", "600/m", "1000/h", and with the burst, which is as much as that count when none is
// named: "100/s burst 500". 1 to 1000000 and 1 to 10000000. "" is no limit.
std::expected<Rate, std::string> parse_rate(std::string_view text);

// The same the other way, in the largest unit that leaves a whole number.
std::string shown_duration(Duration duration);
std::string shown_size(uint64_t bytes);
std::string shown_rate(const Rate& rate);

// A URL with "***" for its password, if it has one, for whoever looks at options.
std::string without_password(std::string_view url);

// `text` as a TOML string with its quotes.
std::string toml_string(std::string_view text);

}  // namespace sojourn::config
