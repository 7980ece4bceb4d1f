#include "telemetry/exposition.h"

#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

#include <limits>

namespace sojourn::telemetry {

using prometheus::ClientMetric, prometheus::MetricFamily, prometheus::MetricType;

struct Exposition::Families {
  std::vector<MetricFamily> all;

  ClientMetric& add(std::string_view name, std::string_view help, MetricType type,
                    const Labels& labels) {
    if (all.empty() || all.back().name != name) {
      all.push_back({std::string(name), std::string(help), type, {}});
    }
    ClientMetric& metric = all.back().metric.emplace_back();
    for (const auto& [label, value] : labels) {
      metric.label.push_back({std::string(label), std::string(value)});
    }
    return metric;
  }
};

Exposition::Exposition() : families_(std::make_unique<Families>()) {}
Exposition::~Exposition() = default;

void Exposition::counter(std::string_view name, std::string_view help, double value,
                         const Labels& labels) {
  families_->add(name, help, MetricType::Counter, labels).counter.value = value;
}

void Exposition::gauge(std::string_view name, std::string_view help, double value,
                       const Labels& labels) {
  families_->add(name, help, MetricType::Gauge, labels).gauge.value = value;
}

void Exposition::histogram(std::string_view name, std::string_view help,
                           const DistributionView& view, double unit, const Labels& labels) {
  auto& to = families_->add(name, help, MetricType::Histogram, labels).histogram;
  uint64_t below = 0;
  for (size_t i = 0; i < view.counts.size(); ++i) {
    below += view.counts[i];
    const double bound = i < view.bounds.size() ? static_cast<double>(view.bounds[i]) * unit
                                                : std::numeric_limits<double>::infinity();
    to.bucket.push_back({below, bound});
  }
  to.sample_count = below;
  to.sample_sum = static_cast<double>(view.sum) * unit;
}

std::string Exposition::text() const {
  return prometheus::TextSerializer().Serialize(families_->all);
}

}  // namespace sojourn::telemetry
