-- wrk script: prints what a run did as one line of JSON. The method comes from the environment
-- (WRK_METHOD); the request is built once, so no Lua runs per request.
wrk.method = os.getenv("WRK_METHOD") or "GET"

function done(summary, latency)
  local errors = summary.errors
  io.write(string.format(
    'RESULT {"requests":%d,"microseconds":%d,"failures":%d,"p50_us":%d,"p99_us":%d}\n',
    summary.requests, summary.duration,
    errors.connect + errors.read + errors.write + errors.status + errors.timeout,
    latency:percentile(50), latency:percentile(99)))
end
