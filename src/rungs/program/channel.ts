/** The descriptor that connects a program with the launcher. */
export const channel = 3;
