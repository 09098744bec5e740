import { randomInt } from 'node:crypto'
import { suggestName } from './name.ts'
import { isPassword } from './password.ts'
import { type Result, type Room, refuse } from './types.ts'

/** Whether somebody new may come into a room, and whether they have to wait until a host lets them in. */
export async function passDoor(room: Room | undefined, password: string): Promise<Result<{ isKnock: boolean }>> {
  if (!room) return refuse('room-unknown')
  if (room.door === 'locked') return refuse('door-locked')
  // Whoever gives none is not looked at: that takes 10 ms.
  const isRight = room.password === '' || (password !== '' && (await isPassword(password, room.password)))
  if (!isRight) return refuse('password-wrong')
  return { ok: true, isKnock: room.door === 'knock' }
}

/** A name like one that is taken, and that nobody has. */
export async function freeName(name: string, isTaken: (name: string) => Promise<boolean>): Promise<string> {
  // A crowd of namesakes is not asked one by one: after the first few the number at least doubles.
  for (let number = 2; ; number += number < 5 ? 1 : randomInt(number, number * 2)) {
    const suggestion = suggestName(name, number)
    if (!(await isTaken(suggestion))) return suggestion
  }
}
