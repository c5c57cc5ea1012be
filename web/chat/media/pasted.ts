/**
 * The files that somebody pastes. A table or a formatted text that was copied comes as text and as its picture too: the text is meant, and
 * there are none. A file that was copied in macOS' Finder comes with its bare name as text: the file is meant.
 */
export function pastedFiles(data: Pick<DataTransfer, 'files' | 'types'> | null): File[] {
  const types = data?.types ?? [];
  const written = types.includes('text/plain') && (types.includes('text/html') || types.includes('text/rtf'));
  return written ? [] : [...(data?.files ?? [])];
}
