/** Small files of each kind that clients log. */
import { deflateSync } from 'node:zlib'

function crc(bytes) {
  let value = ~0
  for (const byte of bytes) {
    value ^= byte
    for (let bit = 0; bit < 8; bit += 1) value = (value >>> 1) ^ (value & 1 ? 0xedb88320 : 0)
  }
  return ~value >>> 0
}

function chunk(type, data) {
  const body = Buffer.concat([Buffer.from(type), data])
  const whole = Buffer.alloc(body.length + 8)
  whole.writeUInt32BE(data.length)
  body.copy(whole, 4)
  whole.writeUInt32BE(crc(body), body.length + 4)
  return whole
}

/** A picture as PNG; `paint` gives red, green and blue of a place. */
export function png(width, height, paint) {
  const rows = Buffer.alloc(height * (width * 3 + 1))
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) Buffer.from(paint(x, y).map((part) => Math.max(0, Math.min(255, Math.round(part))))).copy(rows, y * (width * 3 + 1) + 1 + x * 3)
  }
  const head = Buffer.alloc(13)
  head.writeUInt32BE(width, 0)
  head.writeUInt32BE(height, 4)
  head.set([8, 2, 0, 0, 0], 8)
  return Buffer.concat([Buffer.from([137, 80, 78, 71, 13, 10, 26, 10]), chunk('IHDR', head), chunk('IDAT', deflateSync(rows)), chunk('IEND', Buffer.alloc(0))])
}

/** A tone as WAV. */
export function wav(hertz, seconds) {
  const rate = 8000
  const samples = Math.round(rate * seconds)
  const file = Buffer.alloc(44 + samples * 2)
  file.write('RIFF', 0)
  file.writeUInt32LE(36 + samples * 2, 4)
  file.write('WAVEfmt ', 8)
  file.writeUInt32LE(16, 16)
  file.writeUInt16LE(1, 20)
  file.writeUInt16LE(1, 22)
  file.writeUInt32LE(rate, 24)
  file.writeUInt32LE(rate * 2, 28)
  file.writeUInt16LE(2, 32)
  file.writeUInt16LE(16, 34)
  file.write('data', 36)
  file.writeUInt32LE(samples * 2, 40)
  for (let at = 0; at < samples; at += 1) file.writeInt16LE(Math.sin((at / rate) * hertz * 2 * Math.PI) * 12_000 * Math.min(1, (samples - at) / 900), 44 + at * 2)
  return file
}

/** A digit, as a network that learns would draw it: the later, the clearer. */
export function digit(which, clear, noise) {
  const shapes = ['0111010001100011000101110', '0010001100001000010001110', '0111000001011101000011111', '1111000001001100000111110', '1001010010111110001000010', '1111110000111100000111110', '0111010000111101000101110']
  const shape = shapes[which % shapes.length]
  return png(80, 80, (x, y) => {
    const inside = shape[Math.floor(y / 16) * 5 + Math.floor(x / 16)] === '1'
    const value = (inside ? 220 : 24) * clear + (1 - clear) * 255 * noise()
    return [value, value, value * 0.96]
  })
}

export const text = (words) => Buffer.from(words)
