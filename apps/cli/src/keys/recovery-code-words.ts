/** The recovery code for people, with what to do with it. */
export function recoveryCodeWords(recoveryCode: string): string {
  return `Recovery code, shown this once; write it down and keep it apart from this machine:\n\n  ${recoveryCode}\n\nWith it \`downbeat key recover\` rebuilds the key, and so can anyone who reads it.`;
}
