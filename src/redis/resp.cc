// hiredis' reader calls back for every value it has read, and is handed our own values, so that
// nothing is built twice. An element is made inside its array, which stands still meanwhile: an
// array grows only between its elements.
#include "resp.h"

#include <hiredis/hiredis.h>

#include <stdexcept>
#include <vector>

namespace sojourn::redis {

std::string encoded(std::span<const std::string_view> arguments) {
  std::vector<const char*> starts;
  std::vector<size_t> lengths;
  starts.reserve(arguments.size());
  lengths.reserve(arguments.size());
  for (const std::string_view argument : arguments) {
    starts.push_back(argument.data());
    lengths.push_back(argument.size());
  }
  char* bytes = nullptr;
  const int size = redisFormatCommandArgv(&bytes, static_cast<int>(arguments.size()), starts.data(),
                                          lengths.data());
  if (size < 0) throw std::bad_alloc();
  std::string command(bytes, static_cast<size_t>(size));
  redisFreeCommand(bytes);
  return command;
}

struct ReplyReader::Impl {
  explicit Impl(ReplyLimits chosen)
      : limits(chosen), reader(redisReaderCreateWithFunctions(&kBuilders)) {
    if (reader == nullptr) throw std::bad_alloc();
    reader->privdata = this;
  }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;
  ~Impl() { redisReaderFree(reader); }

  // Where the value that `task` has read goes. Nowhere when there are too many.
  static Reply* place_of(const redisReadTask* task) {
    auto& self = *static_cast<Impl*>(task->privdata);
    if (task->parent == nullptr) {
      self.elements = 0;
      return &(self.root = Reply());
    }
    if (++self.elements > self.limits.max_elements) return nullptr;
    return &static_cast<Reply*>(task->parent->obj)->elements.emplace_back();
  }

  static void* make_string(const redisReadTask* task, char* bytes, size_t size) {
    Reply* reply = place_of(task);
    if (reply == nullptr) return nullptr;
    reply->kind = task->type == REDIS_REPLY_ERROR    ? Reply::Kind::error
                  : task->type == REDIS_REPLY_STATUS ? Reply::Kind::status
                                                     : Reply::Kind::string;
    reply->text.assign(bytes, size);
    return reply;
  }

  static void* make_array(const redisReadTask* task, int) {
    Reply* reply = place_of(task);
    if (reply != nullptr) reply->kind = Reply::Kind::array;
    return reply;
  }

  static void* make_integer(const redisReadTask* task, long long value) {
    Reply* reply = place_of(task);
    if (reply == nullptr) return nullptr;
    reply->kind = Reply::Kind::integer;
    reply->integer = value;
    return reply;
  }

  static void* make_nil(const redisReadTask* task) { return place_of(task); }

  static void free_nothing(void*) {}  // `root` owns them all

  static redisReplyObjectFunctions kBuilders;

  const ReplyLimits limits;
  redisReader* reader;
  Reply root;
  size_t elements = 0;
  size_t bytes = 0;  // fed, and not of a reply that next() has returned
};

redisReplyObjectFunctions ReplyReader::Impl::kBuilders = {
    .createString = make_string,
    .createArray = make_array,
    .createInteger = make_integer,
    .createNil = make_nil,
    .freeObject = free_nothing,
};

ReplyReader::ReplyReader(ReplyLimits limits) : impl_(std::make_unique<Impl>(limits)) {}
ReplyReader::~ReplyReader() = default;
ReplyReader::ReplyReader(ReplyReader&&) noexcept = default;
ReplyReader& ReplyReader::operator=(ReplyReader&&) noexcept = default;

void ReplyReader::feed(std::string_view bytes) {
  if (redisReaderFeed(impl_->reader, bytes.data(), bytes.size()) == REDIS_OK) {
    impl_->bytes += bytes.size();
  }
}

Result<std::optional<Reply>> ReplyReader::next() {
  void* reply = nullptr;
  if (redisReaderGetReply(impl_->reader, &reply) != REDIS_OK) {
    return failure(ErrorKind::store_unavailable,
                   "A Redis server sent what is no reply: " + std::string(impl_->reader->errstr));
  }
  if (reply == nullptr) {
    if (impl_->bytes > impl_->limits.max_bytes) {
      return failure(ErrorKind::store_unavailable,
                     "A Redis server sent a reply that is too large.");
    }
    return std::optional<Reply>();
  }
  impl_->bytes = impl_->reader->len - impl_->reader->pos;
  return std::move(impl_->root);
}

}  // namespace sojourn::redis
