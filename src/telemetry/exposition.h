// A page of metrics in the Prometheus text format 0.0.4.
#pragma once

#include <concepts>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/counter.h"

namespace sojourn::telemetry {

using Labels = std::vector<std::pair<std::string_view, std::string_view>>;

// Filled anew at every scrape from the counts that the parts keep. All lines of one name are added
// one after the other; the first gives the help. A label's value may hold any UTF-8.
class Exposition {
 public:
  static constexpr std::string_view kContentType = "text/plain; version=0.0.4; charset=utf-8";

  Exposition();
  ~Exposition();
  Exposition(const Exposition&) = delete;
  Exposition& operator=(const Exposition&) = delete;

  // Only ever grows while the process lives; its name ends with _total.
  void counter(std::string_view name, std::string_view help, double value,
               const Labels& labels = {});
  void gauge(std::string_view name, std::string_view help, double value, const Labels& labels = {});
  // `unit`: what one step of the distribution's values is in the unit of the name: 1e-9 for
  // nanoseconds under a name in seconds.
  void histogram(std::string_view name, std::string_view help, const DistributionView& view,
                 double unit, const Labels& labels = {});

  // For counts of 64 bits: exact up to 2^53, which is all that the format can say.
  template <std::integral Count>
  void counter(std::string_view name, std::string_view help, Count value,
               const Labels& labels = {}) {
    counter(name, help, static_cast<double>(value), labels);
  }
  template <std::integral Count>
  void gauge(std::string_view name, std::string_view help, Count value, const Labels& labels = {}) {
    gauge(name, help, static_cast<double>(value), labels);
  }

  std::string text() const;

 private:
  struct Families;
  std::unique_ptr<Families> families_;
};

// The standard process_* metrics of this process, as Linux tells them.
void add_process_metrics(Exposition& page);

}  // namespace sojourn::telemetry
