'use strict';
/** Bytes as text: UTF-8 unless a byte order mark says otherwise. */

const UTF_32 = [
  { mark: [0xff, 0xfe, 0, 0], read: 'readUInt32LE' },
  { mark: [0, 0, 0xfe, 0xff], read: 'readUInt32BE' },
];
const OTHERS = [
  { mark: [0xfe, 0xff], label: 'utf-16be' },
  { mark: [0xff, 0xfe], label: 'utf-16le' },
  { mark: [0xef, 0xbb, 0xbf], label: 'utf-8' },
];

/** @param {Buffer} bytes */
function decoded(bytes) {
  const begins = ({ mark }) => mark.every((byte, at) => bytes[at] === byte);
  const wide = UTF_32.find(begins);
  if (wide) return utf32(bytes.subarray(wide.mark.length), wide.read);
  const other = OTHERS.find(begins);
  return other ? new TextDecoder(other.label).decode(bytes) : bytes.toString();
}

function utf32(bytes, read) {
  let text = '';
  for (let at = 0; at + 4 <= bytes.length; at += 4) {
    const point = bytes[read](at);
    text += String.fromCodePoint(point <= 0x10ffff ? point : 0xfffd);
  }
  return text;
}

module.exports = { decoded };
