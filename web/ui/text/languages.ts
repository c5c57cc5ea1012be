/** What is needed of all languages at once, whichever is chosen: their own names, and the word that mentions everyone in a group. */
export const languages = {
  en: { name: 'English', everyone: 'all' },
  zh: { name: '简体中文', everyone: '所有人' },
};
