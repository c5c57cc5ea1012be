/** Characters in a name of a group or person: the server's own limits. */
export const nameLimit = 64;
/** Characters in an announcement. */
export const announcementLimit = 2000;
/** Characters of what one says with a request. */
export const requestLimit = 200;
