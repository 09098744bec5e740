import { Buffer } from 'node:buffer'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { textFrame } from '../routes/wire/frames.ts'

const test = suite('frames')

// The borders at which the length is written in another way (RFC 6455, 5.2), each in its shortest form.
const HEADS: [number, number[]][] = [
  [0, [0x81, 0]],
  [125, [0x81, 125]],
  [126, [0x81, 126, 0, 126]],
  [65_535, [0x81, 126, 0xff, 0xff]],
  [65_536, [0x81, 127, 0, 0, 0, 0, 0, 1, 0, 0]],
]

test('a frame says how long its text is, in as few bytes as can be', () => {
  for (const [length, head] of HEADS) {
    const frame = textFrame('x'.repeat(length))
    assert.equal([...frame.subarray(0, head.length)], head, `${length}`)
    assert.is(frame.toString('latin1', head.length), 'x'.repeat(length), `${length}`)
  }
})

test('what counts is bytes, not letters', () => {
  const text = 'é😀'.repeat(21)
  const frame = textFrame(text)
  assert.equal([...frame.subarray(0, 4)], [0x81, 126, 0, Buffer.byteLength(text)])
  assert.is(frame.toString('utf8', 4), text)
})

test.run()
