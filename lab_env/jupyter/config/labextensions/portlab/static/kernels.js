// JupyterLab opens a notebook faster than it starts the notebook's kernel.  Two of its gaps are closed here:
//
// - It asks for the list of kernels once.  Where that answer gets lost (Chromium gives up what it has asked for when a
//   network interface comes or goes, as one does when Docker starts a network), it goes on without a list, knows no
//   kernel to start, and asks the learner in a dialog, "Select Kernel".  Now it asks again until it has the list.
// - A cell that is run before the kernel has been started is forgotten, without a word.  Now it waits.
//
// Written by hand as what JupyterLab loads extensions from, a container of module federation, so that nothing has to be
// built: `init` is handed the modules that JupyterLab shares, `get` returns the plugins.

(() => {
  const PAUSE_MS = 500; // before the list is asked for again
  let shared;

  const module = async (name) => {
    const [version] = Object.values(shared[name]);
    return (await version.get())();
  };

  const kernelsAreKnown = async (kernelspecs) => {
    await kernelspecs.ready; // the first answer is here, or lost
    while (!kernelspecs.specs && !kernelspecs.isDisposed) {
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
      await kernelspecs.refreshSpecs().catch(() => {});
    }
  };

  const listFirst = {
    id: "portlab:list-of-kernels-first",
    autoStart: true,
    activate: ({ serviceManager: { kernelspecs, sessions } }) => {
      const ready = Promise.all([sessions.ready, kernelsAreKnown(kernelspecs)]);
      Object.defineProperty(sessions, "ready", { value: ready }); // what a notebook awaits before it starts a kernel
    },
  };

  const cellsWait = ({ INotebookCellExecutor, runCell }) => ({
    id: "portlab:cells-wait-for-their-kernel",
    autoStart: true,
    provides: INotebookCellExecutor,
    activate: () => ({
      runCell: async (options) => {
        if (options.cell.model.type === "code") await options.sessionContext?.initialize(); // the start under way
        return runCell(options);
      },
    }),
  });

  (window._JUPYTERLAB ??= {}).portlab = {
    init: (scope) => { shared = scope; },
    get: async () => {
      const plugins = [listFirst, cellsWait(await module("@jupyterlab/notebook"))];
      return () => ({ __esModule: true, default: plugins });
    },
  };
})();
