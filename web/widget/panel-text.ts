// The words that only the panel in another page needs.

import { computed } from '@preact/signals';
import { language } from '../ui/prefs';

const en = {
  title: 'Chat',
  close: 'Close the chat',
  again: 'Try again',
  signIn: 'Sign in again',
  nobody: 'You are signed out here. Sign in on this site, then try again.',
  'no-token': 'This site could not sign you in to the chat.',
  refused: 'The chat did not accept the sign-in from this site.',
  ended: 'Your sign-in to the chat has ended.',
  left: 'You are signed out of the chat.',
};

const zh: typeof en = {
  title: '聊天',
  close: '关闭聊天',
  again: '重试',
  signIn: '重新登录',
  nobody: '您已在本站退出登录。请先登录本站，然后重试。',
  'no-token': '本站无法让您登录聊天。',
  refused: '聊天服务未接受本站的登录。',
  ended: '您的聊天登录已结束。',
  left: '您已退出聊天。',
};

export const words = computed(() => (language.value === 'zh' ? zh : en));
