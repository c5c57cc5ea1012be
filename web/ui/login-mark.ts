// The refresh token is in a cookie that scripts can't read. Beside it the server sets one without a secret, by which a page knows whether it is worth
// asking for a login: browsers write each refused request into their console.

import type { LoginMark } from '../core';

const name = 'magpie_login';

export const loginMark: LoginMark = {
  there: () => document.cookie.split('; ').some((c) => c.startsWith(`${name}=`)),
  gone: () => {
    // biome-ignore lint/suspicious/noDocumentCookie: the Cookie Store API is not in every browser, nor over plain HTTP.
    document.cookie = `${name}=; Path=/; Max-Age=0; SameSite=Strict`;
  },
};
