// A voice message while it is recorded: Opus in WebM or Ogg, AAC in MP4 where a browser knows no other (Safari).

import { type ReadonlySignal, signal } from '@preact/signals';
import type { Attachment } from '../../core';
import { waveformOf } from './waveform';

const formats = ['audio/webm;codecs=opus', 'audio/ogg;codecs=opus', 'audio/mp4;codecs=mp4a.40.2', 'audio/mp4'];
/** Bits a second: speech needs no more. */
const rate = 32_000;
/** ms between two looks at how loud it is. */
const interval = 50;
/** Shorter ones, in seconds, are slips of the finger. */
export const shortest = 0.6;

export class Recording {
  /** How loud each interval was, 0 to 1. */
  readonly levels = signal<readonly number[]>([]);
  /** Seconds. */
  readonly length = signal(0);
  private readonly over = signal(false);
  private readonly parts: Blob[] = [];
  private readonly began = performance.now();
  private readonly timer: ReturnType<typeof setInterval>;
  private readonly context: AudioContext;

  /** Asks for the microphone. Rejects when there is none, or it is not allowed. */
  static async start(): Promise<Recording> {
    const audio = { channelCount: 1, echoCancellation: true, noiseSuppression: true, autoGainControl: true };
    const stream = await navigator.mediaDevices.getUserMedia({ audio });
    try {
      return new Recording(stream);
    } catch (e) {
      for (const track of stream.getTracks()) track.stop();
      throw e;
    }
  }

  private readonly recorder: MediaRecorder;

  private constructor(private readonly stream: MediaStream) {
    const mimeType = formats.find((f) => MediaRecorder.isTypeSupported(f));
    this.recorder = new MediaRecorder(stream, { ...(mimeType && { mimeType }), audioBitsPerSecond: rate });
    this.recorder.ondataavailable = (e) => this.parts.push(e.data);
    this.context = new AudioContext();
    const analyser = this.context.createAnalyser();
    analyser.fftSize = 1024;
    this.context.createMediaStreamSource(stream).connect(analyser);
    const wave = new Float32Array(analyser.fftSize);
    this.recorder.start(1000);
    this.timer = setInterval(() => {
      analyser.getFloatTimeDomainData(wave);
      const power = wave.reduce((sum, x) => sum + x * x, 0) / wave.length;
      this.levels.value = [...this.levels.peek(), Math.min(1, Math.sqrt(power) * 4)];
      this.length.value = (performance.now() - this.began) / 1000;
    }, interval);
    // The microphone was pulled out: what there is can be sent.
    this.recorder.onstop = () => this.end();
  }

  /** No more sound comes in. */
  get ended(): ReadonlySignal<boolean> {
    return this.over;
  }

  /** Ends it. undefined: too short to be meant. */
  async finish(): Promise<Attachment | undefined> {
    const duration = this.over.peek() ? this.length.peek() : (performance.now() - this.began) / 1000;
    if (this.recorder.state !== 'inactive') {
      const stopped = new Promise((resolve) => this.recorder.addEventListener('stop', resolve, { once: true }));
      this.recorder.stop();
      await stopped;
    }
    this.end();
    const type = this.recorder.mimeType.replace(/;.*/, '') || 'audio/webm';
    const file = new Blob(this.parts, { type });
    if (duration < shortest || file.size === 0) return undefined;
    const end = { 'audio/ogg': 'ogg', 'audio/mp4': 'm4a' }[type] ?? 'webm';
    return { file, name: `voice.${end}`, type, duration, waveform: waveformOf(this.levels.peek()) };
  }

  cancel(): void {
    if (this.recorder.state !== 'inactive') this.recorder.stop();
    this.end();
  }

  private end(): void {
    if (this.over.peek()) return;
    this.over.value = true;
    clearInterval(this.timer);
    for (const track of this.stream.getTracks()) track.stop();
    void this.context.close();
  }
}
