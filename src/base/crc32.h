/* SPDX-License-Identifier: Apache-2.0 */
/* crc32 - CRC-32/ISO-HDLC as zlib and event streams use it. Start with 0, feed the former result to go on. */
#pragma once
#include <stddef.h>
#include <stdint.h>

uint32_t crc32_update(uint32_t crc, const void *data, size_t len);
