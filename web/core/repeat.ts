/**
 * The Idempotency-Key of what one sends: the same for as long as the same is sent again, so that a second try after an answer that got lost makes
 * nothing twice. What was answered is done: the next is another, though it may say the same.
 */
export class RepeatKey {
  private body = '';
  private key = '';

  /** The key of a body. */
  of(body: unknown): string {
    const text = JSON.stringify(body);
    if (text !== this.body) {
      this.body = text;
      this.key = crypto.getRandomValues(new Uint32Array(4)).join('-');
    }
    return this.key;
  }

  done(): void {
    this.body = '';
  }
}
