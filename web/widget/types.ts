// What a page that shows the chat may call and hear. docs/embedding.md says how to begin; this is the reference.

/** Which conversation: of the signed-in user with a person, or of a group that the user is in. */
export type Chat = { user: string } | { group: string };

/** A colour as `#rgb`, `#rrggbb`; or two, for light and dark. */
export type Colour = string | { light: string; dark: string };

/**
 * The look. Whatever is left out keeps Magpie's own; a value that is not as said here is refused (a rejected promise whose
 * error says which), and nothing of it is applied.
 */
export interface Theme {
  /** 'auto' follows the reader's system. */
  mode?: 'light' | 'dark' | 'auto';
  colors?: {
    /** Bubble, buttons, links. */
    accent?: Colour;
    /** What stands on the accent. Default: black or white, whichever can be read. */
    onAccent?: Colour;
    /** Behind the messages. */
    ground?: Colour;
    /** Lists and bars. */
    pane?: Colour;
    /** Words. */
    ink?: Colour;
    /** The user's own messages. */
    own?: Colour;
  };
  /** Pixels, 0–24: corners of the panel, of buttons and messages. */
  radius?: number;
  /** Names of fonts that readers have, as in CSS: `"Segoe UI", Arial`. Fonts of the page's own files do not reach into the panel. */
  font?: string;
  /** The corner of the window: at the end or the start of a line (so it changes sides on a right-to-left page), or on a fixed side. */
  position?: 'end' | 'start' | 'left' | 'right';
  /** 1–2147483647. Default 2147483000. */
  zIndex?: number;
}

export interface Options {
  /** The app's id, as the administration shows it. Or `data-app` at the script. */
  app: string;
  /**
   * An address of the page's own server that answers `POST` with `{"token": "…"}`, a token that was signed just now for whoever is
   * signed in there; 401 or 403 where nobody is. Cookies go along. Or `data-token-url`.
   */
  tokenUrl?: string;
  /** In place of tokenUrl: resolves with such a token, or with null where nobody is signed in. Called anew for each token. */
  getToken?: () => Promise<string | null | undefined>;
  /** Language: whatever begins with `zh` is Chinese, all else English. Default: the page's own (`<html lang>`). Or `data-locale`. */
  locale?: string;
  /** Or the mode alone. As an attribute: `data-theme="dark"`, `data-position="start"`. */
  theme?: Theme | Theme['mode'];
  /** Opens the panel at once. Or `data-open`. */
  open?: boolean;
  /** False: no bubble and no panel of its own; only `<magpie-chat>` shows something. Or `data-launcher="off"`. */
  launcher?: boolean;
}

export type Connection = 'connecting' | 'online' | 'offline' | 'ended';

/** Codes of the event 'error'. */
export type ErrorCode =
  /** The token URL, or getToken, failed six times in a row. Tried again when the network comes back, or by `identify`. */
  | 'token-url'
  /** The server has refused the token: `message` says why. */
  | 'sign-in'
  /** The panel did not come: the server is away, the page's Content-Security-Policy forbids it (`frame-src`), or its origin is not allowed. */
  | 'panel'
  /** A call that can't be carried out. Its promise is rejected with the same error. */
  | 'call';

/** A problem that the page can tell from others by `code`. */
export interface MagpieError extends Error {
  code: ErrorCode;
}

/** What is said of a message that came, from somebody else. Its text stays in the panel. */
export interface MessageNews {
  chat: Chat;
  /** Its place in the conversation. */
  seq: number;
  /** uid of the sender. */
  from: string;
  /** Milliseconds since 1970. */
  at: number;
  /** It mentions the user by name. */
  mentioned: boolean;
  /** The user has muted the conversation. */
  muted: boolean;
}

/** Events, and what their listeners are given. */
export interface Events {
  /** Somebody is signed in: at first, and again after `identify`. */
  ready: { user: string };
  /** The panel opens, closes. */
  open: undefined;
  close: undefined;
  /** How many messages are unread, each time that changes. */
  unread: number;
  message: MessageNews;
  connection: Connection;
  /** Nobody is signed in at the host (the token URL said 401 or 403), or the server has ended the login. `identify` tries anew. */
  'auth-expired': undefined;
  error: MagpieError;
}

/**
 * `Magpie(method, …)`. It may be called before the script is there, with this line in the page:
 *
 *     window.Magpie = window.Magpie || function () { (Magpie.q = Magpie.q || []).push(arguments) }
 *
 * Calls are then carried out in their order, and return nothing; later ones return what is said below. Calls that come before `boot`
 * wait for it. A promise that is rejected and not looked at makes no noise in the page: the event 'error' tells of it.
 */
export interface Magpie {
  /**
   * Signs in and shows the bubble. Resolves when somebody is signed in. Called again with the same app it changes nothing but the theme
   * and the locale, where they are given, and signs in again where nobody is; with another app it is refused.
   */
  (method: 'boot', options: Options): Promise<void>;
  /** Asks for a token and signs in whoever it names: after one has signed in at the page, or as somebody else. */
  (method: 'identify', from?: Pick<Options, 'tokenUrl' | 'getToken'>): Promise<void>;
  /** Shows the panel at a conversation. Resolves when it stands there, which may be after the panel was given up and came late. */
  (method: 'openChat', chat: Chat): Promise<void>;
  (method: 'show' | 'hide' | 'toggle'): Promise<void>;
  /** Changes what is given and leaves the rest. */
  (method: 'setTheme', theme: Theme | Theme['mode']): Promise<void>;
  (method: 'setLocale', locale: string): Promise<void>;
  /** How many messages are unread. */
  (method: 'unread'): Promise<number>;
  /** Events may be listened to before `boot`. Returns a promise of what takes the listener away again. */
  <E extends keyof Events>(method: 'on', event: E, listener: (it: Events[E]) => void): Promise<() => void>;
  <E extends keyof Events>(method: 'off', event: E, listener?: (it: Events[E]) => void): Promise<void>;
  /**
   * Ends the login, and whatever was to make one: a `boot` or `identify` that is not answered is rejected. The bubble stays, and asks to sign
   * in; `identify` signs in again.
   */
  (method: 'logout'): Promise<void>;
  /**
   * Takes everything away: nodes, listeners, connections, `window.Magpie`. Whoever has kept the function may `boot` again; all other calls
   * are refused. (`<magpie-chat>` stays a known name, as a browser forgets none; such elements become empty.)
   */
  (method: 'destroy'): Promise<void>;
}
