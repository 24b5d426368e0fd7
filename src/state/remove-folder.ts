/** Removes a folder of the state directory, whatever modes a command has left in it. */
export const removeFolder = async (folder: string): Promise<void> => {
  const { default: fs } = await import('fs-extra');
  await fs.remove(folder);
};
