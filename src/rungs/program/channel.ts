/** The descriptor that connects a program with the launcher. */
export const channel = 3;
/** The descriptors that connect the brokers with it: the one outside, and the one in the sandbox's own network. */
export const brokerChannel = { outside: 4, inside: 5 } as const;
