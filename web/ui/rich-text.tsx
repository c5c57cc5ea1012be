import type { ComponentChildren } from 'preact';
import { useMemo } from 'preact/hooks';
import { Outside } from './linkify';
import { type Inline, isEmojiOnly, type Mention, parse } from './markup';
import { calm } from './name';
import { script } from './script';

interface RichTextProps {
  text: string;
  mentions?: readonly Mention[];
  /** One's own uid: being mentioned oneself stands out. */
  me?: string | undefined;
  class?: string;
}

/** The text of a message as it is meant to be read. */
export function RichText({ text, mentions, me, class: cls = '' }: RichTextProps) {
  // What decides is who is mentioned, not whether the list is a new one.
  const who = mentions?.map((m) => `${m.uid} ${m.name}`).join('\n') ?? '';
  const content = useMemo(() => {
    if (isEmojiOnly(text)) return undefined;
    return parse(calm(text), mentions).map((block, i) => {
      const key = `${i}`;
      if (block.kind === 'code') {
        return (
          <pre key={key} class="code-block" dir="ltr">
            <code>{block.text}</code>
          </pre>
        );
      }
      const parts = nodes(block.children, me);
      return block.kind === 'quote' ? <blockquote key={key}>{parts}</blockquote> : parts;
    });
  }, [text, who, me]);
  return <div class={`text ${script(text)} ${cls} ${content ? '' : 'big'}`}>{content ?? text}</div>;
}

function nodes(parts: Inline[], me: string | undefined): ComponentChildren[] {
  return parts.map((part) => {
    if (typeof part === 'string') return part;
    switch (part.kind) {
      case 'strong':
        return <strong>{nodes(part.children, me)}</strong>;
      case 'em':
        return <em>{nodes(part.children, me)}</em>;
      case 'del':
        return <del>{nodes(part.children, me)}</del>;
      case 'code':
        return <code dir="ltr">{part.text}</code>;
      case 'link':
        return (
          <Outside href={part.href} host={part.host}>
            {part.text}
          </Outside>
        );
      case 'mention':
        return <span class={`mention ${part.uid === me || part.uid === '*' ? 'me' : ''}`}>{part.text}</span>;
    }
    return null;
  });
}
