/** What `import … from 'parlour'` gives, and where that is made. The types that belong to it go with it. */
export const EXPORTS = { createChat: 'routes/chat.ts', SettingsError: 'routes/reading.ts' }
