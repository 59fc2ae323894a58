/** Whether `names` contain `name`, or a prefix of it followed by `*`. @param {readonly string[]} names @param {string} name */
export const listed = (names, name) =>
  names.some((wanted) => (wanted.endsWith('*') ? name.startsWith(wanted.slice(0, -1)) : name === wanted));
