// SPDX-License-Identifier: MIT
#include <string>
#include <tabscore/core/detail/sha256.hpp>

#include "support/catch.hpp"

using tabscore::detail::sha256;
using tabscore::detail::sha256_base64;

TEST_CASE("SHA-256 gives the digests of FIPS 180-4's examples and NIST's vectors") {
  CHECK(sha256("") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  CHECK(sha256("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  CHECK(sha256("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq") ==
        "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  CHECK(sha256("abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmno"
               "ijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu") ==
        "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1");
  CHECK(sha256(std::string(1'000'000, 'a')) == "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
  CHECK(sha256("\xD3") == "28969cdfa74a12c82f3bad960b0b000aca2ac329deea5c2328ebc6f2ba9802c1");
  CHECK(
      sha256("\x5A\x86\xB7\x37\xEA\xEA\x8E\xE9\x76\xA0\xA2\x4D\xA6\x3E\x7E\xD7\xEE\xFA\xD1\x8A\x10\x1C\x12\x11\xE2\xB3"
             "\x65\x0C\x51\x87\xC2\xA8\xA6\x50\x54\x72\x08\x25\x1F\x6D\x42\x37\xE6\x61\xC7\xBF\x4C\x77\xF3\x35\x39\x03"
             "\x94\xC3\x7F\xA1\xA9\xF9\xBE\x83\x6A\xC2\x85\x09") ==
      "42e61e174fbb3897d6dd6cef3dd2802fe67b331953b06114a65c772859dfc1aa");
}

TEST_CASE("SHA-256 pads messages of every length around a block's end") {
  // hashlib.sha256(b"".join(hashlib.sha256(b"x" * n).digest() for n in range(200))).hexdigest()
  std::string digests;
  for (std::size_t n = 0; n < 200; ++n) {
    const auto digest = tabscore::detail::sha256_bytes(std::string(n, 'x'));
    digests.append(reinterpret_cast<const char*>(digest.data()), digest.size());
  }
  CHECK(sha256(digests) == "f5e61141898898cdabae3590cb32e1901b40bdc59952302926213a44c105c129");
}

TEST_CASE("SHA-256 gives the same with and without the processor's instructions") {
  std::string bytes;
  for (int i = 0; i < 640; ++i) bytes += static_cast<char>(i * i % 251);
  const auto* const from = reinterpret_cast<const unsigned char*>(bytes.data());
  tabscore::detail::sha256_state any{1, 2, 3, 4, 5, 6, 7, 8}, portable = any;
  tabscore::detail::sha256_blocks(any, from, 10);
  tabscore::detail::sha256_blocks_portable(portable, from, 10);
  CHECK(any == portable);
}

TEST_CASE("SHA-256 of pieces is that of the whole") {
  const std::string text(300, 'x');
  for (std::size_t piece = 1; piece < text.size(); piece += 7) {
    tabscore::detail::sha256_stream stream;
    for (std::size_t at = 0; at < text.size(); at += piece) stream.update(std::string_view(text).substr(at, piece));
    CHECK(tabscore::detail::hex_digits(stream.finish()) == sha256(text));
  }
}

TEST_CASE("HMAC-SHA256 is Python's") {
  // hmac.new(bytes(range(32)), b"what is", "sha256").hexdigest()
  std::array<unsigned char, 32> key{};
  for (std::size_t i = 0; i < key.size(); ++i) key[i] = static_cast<unsigned char>(i);
  const tabscore::detail::hmac_sha256 code(key);
  auto message = code.begin();
  message.update("what");
  message.update(" is");
  CHECK(tabscore::detail::hex_digits(code.end(message)) ==
        "690f3bf5283a41753c0a08929884a3f3eadf564fe1cc3d087aaf93956becd6bf");
}

TEST_CASE("SHA-256 in base64 is that of content security policies") {
  CHECK(sha256_base64("alert('Hello, world.');") == "qznLcsROx4GACP2dm0UCKCzCG+HiZ1guq6ZZDob/Tng=");
}
