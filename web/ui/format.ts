import { computed } from '@preact/signals';
import { daysAgo, now, sameYear, today } from './day';
import { language } from './prefs';

// One set of formatters for each language, made once: building an Intl formatter a row makes a list several times slower.
function formatters(locale: string) {
  return {
    time: new Intl.DateTimeFormat(locale, { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' }),
    weekday: new Intl.DateTimeFormat(locale, { weekday: 'short' }),
    day: new Intl.DateTimeFormat(locale, { day: 'numeric', month: 'short' }),
    dayOfYear: new Intl.DateTimeFormat(locale, { day: 'numeric', month: 'short', year: 'numeric' }),
    longDay: new Intl.DateTimeFormat(locale, { weekday: 'long', day: 'numeric', month: 'long' }),
    longDayOfYear: new Intl.DateTimeFormat(locale, { weekday: 'long', day: 'numeric', month: 'long', year: 'numeric' }),
    full: new Intl.DateTimeFormat(locale, { dateStyle: 'full', timeStyle: 'medium' }),
    moment: new Intl.DateTimeFormat(locale, { dateStyle: 'medium', timeStyle: 'short', hourCycle: 'h23' }),
    number: new Intl.NumberFormat(locale),
    list: new Intl.ListFormat(locale, { type: 'conjunction' }),
    relative: new Intl.RelativeTimeFormat(locale, { numeric: 'auto' }),
    collator: new Intl.Collator(locale === 'zh-CN' ? 'zh-CN-u-co-pinyin' : locale, {
      numeric: true,
      sensitivity: 'base',
    }),
  };
}

const all = { en: formatters('en-GB'), zh: formatters('zh-CN') };

export const format = computed(() => all[language.value]);

/** Hours and minutes of a message. */
export function clock(ms: number): string {
  return format.value.time.format(ms);
}

/** The moment as a list shows it: the time today, then "yesterday", the weekday, the day, the day and year. */
export function moment(ms: number, at = today()): string {
  const f = format.value;
  const days = daysAgo(ms, at);
  if (days <= 0) return f.time.format(ms);
  if (days === 1) return f.relative.format(-1, 'day');
  if (days < 7) return f.weekday.format(ms);
  return sameYear(ms, at) ? f.day.format(ms) : f.dayOfYear.format(ms);
}

/** A moment to come: the time if it is today, else the day as well. */
export function untilThen(ms: number, at = today()): string {
  const f = format.value;
  return daysAgo(ms, at) === 0 ? f.time.format(ms) : `${f.day.format(ms)} ${f.time.format(ms)}`;
}

/** The heading of a day in a conversation. */
export function dayName(ms: number, at = today()): string {
  const f = format.value;
  const days = daysAgo(ms, at);
  if (days === 0 || days === 1) {
    const word = f.relative.format(-days, 'day');
    return word.charAt(0).toUpperCase() + word.slice(1);
  }
  return sameYear(ms, at) ? f.longDay.format(ms) : f.longDayOfYear.format(ms);
}

/** How long ago, in the largest unit that fits: "5 minutes ago". */
export function ago(ms: number, at = now()): string {
  const minutes = Math.round((ms - at) / 60_000);
  const f = format.value.relative;
  if (minutes > -60) return f.format(Math.min(0, minutes), 'minute');
  if (minutes > -24 * 60) return f.format(Math.ceil(minutes / 60), 'hour');
  return f.format(-daysAgo(ms, at), 'day');
}

const units = ['B', 'KB', 'MB', 'GB', 'TB'];

/** "3.4 MB", where one unit is 1,024 of the one below, as servers set their limits. */
export function bytes(n: number): string {
  let value = n;
  let power = 0;
  for (; value >= 999.5 && power < units.length - 1; power++) value /= 1024;
  const rounded = power > 0 && value < 9.95 ? Math.round(value * 10) / 10 : Math.round(value);
  return `${format.value.number.format(rounded)} ${units[power]}`;
}
