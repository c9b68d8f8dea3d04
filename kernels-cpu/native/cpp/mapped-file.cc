#include "mapped-file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <stdexcept>

namespace lowbit {
namespace {

[[noreturn]] void fail(const std::string& path, const char* what) {
  throw std::runtime_error(path + ": " + what + ": " + std::strerror(errno));
}

struct Descriptor {
  int number;
  ~Descriptor() { close(number); }
};

}  // namespace

Bytes mapFile(const std::string& path) {
  const Descriptor file{open(path.c_str(), O_RDONLY | O_CLOEXEC)};
  if (file.number < 0) fail(path, "cannot be opened");
  struct stat about;
  if (fstat(file.number, &about) != 0) fail(path, "cannot be examined");
  if (!S_ISREG(about.st_mode)) throw std::runtime_error(path + ": expected a regular file");
  const size_t size = static_cast<size_t>(about.st_size);
  if (size == 0) return {};
  void* data = mmap(nullptr, size, PROT_READ, MAP_SHARED, file.number, 0);
  if (data == MAP_FAILED) fail(path, "cannot be mapped");
  std::shared_ptr<const void> owner(data, [size](void* p) { munmap(p, size); });
  return {static_cast<const uint8_t*>(data), size, std::move(owner), true};
}

Bytes partOf(const Bytes& file, const std::string& path, uint64_t start, uint64_t end) {
  if (start > end || end > file.size) {
    throw std::runtime_error(path + ": expected bytes " + std::to_string(start) + " to " + std::to_string(end) +
                             ", found a file of " + std::to_string(file.size));
  }
  return {file.data + start, static_cast<size_t>(end - start), file.owner, file.isMapped};
}

void forgetPages(const Bytes& bytes) {
  if (!bytes.isMapped || bytes.size == 0) return;
  // Whole pages, with what lies beside the bytes in the first and the last.
  const auto page = static_cast<uintptr_t>(sysconf(_SC_PAGESIZE));
  const auto start = reinterpret_cast<uintptr_t>(bytes.data), first = start / page * page;
  madvise(reinterpret_cast<void*>(first), start + bytes.size - first, MADV_DONTNEED);
}

}  // namespace lowbit
