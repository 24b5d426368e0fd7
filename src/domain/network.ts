/** `none`: own loopback only; `limited`: declared hosts only; `host-only`: this machine; `full`: everything. */
export type NetworkMode = 'none' | 'limited' | 'host-only' | 'full';
export const networkModes: readonly NetworkMode[] = ['none', 'limited', 'host-only', 'full'];
