/** Whether `names` list `name`: itself, or its beginning and `*`. @param {readonly string[]} names @param {string} name */
export const listed = (names, name) =>
  names.some((wanted) => (wanted.endsWith('*') ? name.startsWith(wanted.slice(0, -1)) : name === wanted));
