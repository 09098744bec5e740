import process from 'node:process'

/** What chance begins with in every test, so that all runs try the same; `SEED=7` tries something else. */
export const SEED = Number(process.env.SEED ?? 20_261_122)
