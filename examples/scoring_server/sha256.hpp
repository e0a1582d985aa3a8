// SPDX-License-Identifier: MIT
#pragma once

#include <openssl/evp.h>

#include <array>
#include <stdexcept>
#include <string>
#include <string_view>

inline std::array<unsigned char, 32> sha256_bytes(std::string_view bytes) {
  std::array<unsigned char, 32> digest{};
  if (EVP_Digest(bytes.data(), bytes.size(), digest.data(), nullptr, EVP_sha256(), nullptr) != 1) {
    throw std::runtime_error("libcrypto gives no SHA-256");
  }
  return digest;
}

/// The SHA-256 of some bytes as 64 hexadecimal digits.
inline std::string sha256(std::string_view bytes) {
  std::string text;
  for (const unsigned char byte : sha256_bytes(bytes)) {
    text += "0123456789abcdef"[byte >> 4U];
    text += "0123456789abcdef"[byte & 15U];
  }
  return text;
}

/// The same as content security policies write it: in base64.
inline std::string sha256_base64(std::string_view bytes) {
  const auto digest = sha256_bytes(bytes);
  std::array<unsigned char, 45> text{};
  EVP_EncodeBlock(text.data(), digest.data(), static_cast<int>(digest.size()));
  return {reinterpret_cast<const char*>(text.data()), 44};
}
