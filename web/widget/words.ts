// The few words of the bubble, and of the panel's place before the panel is there.

const en = {
  chat: 'Chat',
  open: 'Open the chat',
  close: 'Close the chat',
  unread: (n: number) => (n === 1 ? '1 unread message' : `${n} unread messages`),
  coming: 'Connecting…',
  away: 'The chat can’t be reached.',
  again: 'Try again',
};

const zh: typeof en = {
  chat: '聊天',
  open: '打开聊天',
  close: '关闭聊天',
  unread: (n) => `${n} 条未读消息`,
  coming: '正在连接…',
  away: '无法连接聊天服务。',
  again: '重试',
};

export type Words = typeof en;

export function wordsIn(locale: string): Words {
  return /^zh\b/i.test(locale) ? zh : en;
}
