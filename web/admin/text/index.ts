import { computed } from '@preact/signals';
import { type Language, language } from '../../ui/prefs';
import { en, type Texts } from './en';
import { zh } from './zh';

const texts: Record<Language, Texts> = { en, zh };

/** The texts of the administration in the chosen language, as `t` of the other pages. */
export const a = computed<Texts>(() => texts[language.value]);
