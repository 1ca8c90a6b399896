/** The version of the flambeau package; a test holds it against package.json. */
export const version = '1.0.0-alpha.0';
