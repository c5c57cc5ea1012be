/**
 * In whose faces a text is set. Quotation marks, dashes and dots are the same characters in Chinese and in English, and as wide
 * as a Han character in the one: the styles choose by this class (`.han`, `.latin` in base.css).
 */
export function script(text: string): 'han' | 'latin' {
  return /\p{Script=Han}/u.test(text) ? 'han' : 'latin';
}
