// A file in memory, read only. Pages come in as they are touched and can go again; nothing is copied.
#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

namespace lowbit {

// Bytes that somebody keeps alive: a part of a mapped file or of a JavaScript buffer.
struct Bytes {
  const uint8_t* data = nullptr;
  size_t size = 0;
  std::shared_ptr<const void> owner;
  bool isMapped = false;
};

// The whole file. Throws std::runtime_error naming it where it cannot be opened or mapped.
Bytes mapFile(const std::string& path);

// Bytes [start, end) of a file. Throws std::runtime_error where the file is shorter.
Bytes partOf(const Bytes& file, const std::string& path, uint64_t start, uint64_t end);

// Lets pages of a mapped file go that were read for the last time for now: they stay in the system's cache, and come back
// where they are read after all. Bytes of anything else stay as they are.
void forgetPages(const Bytes&);

}  // namespace lowbit
