#include "domain/precondition.h"

namespace sojourn::domain {
namespace {

Error mismatch(std::string detail) {
  return {.kind = ErrorKind::version_mismatch, .detail = std::move(detail)};
}

}  // namespace

std::optional<Error> refusal(const Preconditions& given, const Session* session) {
  if (auto refused = if_match_refusal(given.if_match, session)) return refused;
  if (given.if_none_match && session && given.if_none_match->match_weakly(session->version)) {
    return mismatch("The session has a version that If-None-Match names; nothing was changed.");
  }
  return std::nullopt;
}

std::optional<Error> if_match_refusal(const std::optional<EntityTags>& if_match,
                                      const Session* session) {
  if (!if_match || (session && if_match->match_strongly(session->version))) return std::nullopt;
  if (!session) {
    return mismatch(
        "If-Match needs a live session, and there is none; leave it out, or create a session.");
  }
  if (!if_match->weak.empty()) {
    return mismatch(
        "If-Match has a weak tag (W/\"...\"), which never matches; a proxy that compresses answers "
        "may have weakened it, so turn its compression off, or send the tag without W/.");
  }
  return mismatch(
      "The session has another version than If-Match names; read it again and decide again.");
}

}  // namespace sojourn::domain
