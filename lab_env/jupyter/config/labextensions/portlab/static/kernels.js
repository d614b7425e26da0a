// JupyterLab shows a notebook before the notebook's kernel has started.  Two gaps of that while are closed here:
//
// - JupyterLab asks for the list of kernels once.  Where that answer gets lost (Chromium gives up what it has asked for
//   when a network interface comes or goes, as one does when Docker starts a network), it goes on without a list, knows
//   no kernel to start, and asks the learner in a dialog, "Select Kernel".  Now it asks again until it has the list.
// - A cell that is run before the kernel has been started is forgotten, without a word.  Now it waits.
//
// Written by hand as what JupyterLab loads extensions from, a container of module federation, so that nothing has to be
// built: `init` is handed the modules that JupyterLab shares, `get` returns the plugins.  Where any of this fails, as it
// may with another JupyterLab, notebooks are as they would be without it.

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

  // Until the start under way is over.  Where it fails, `initialize` never tells: then, until the learner chooses a kernel.
  const kernelCame = (context) => new Promise((resolve) => {
    const came = () => {
      context.kernelChanged.disconnect(came);
      resolve();
    };
    context.kernelChanged.connect(came);
    context.initialize().then(came, came);
  });

  // JupyterLab has a provider of this token too.  It is left on, to be there where this one is not: of two providers
  // the one registered last is taken, and JupyterLab registers what it loads from outside after its own.
  const cellsWait = ({ INotebookCellExecutor, runCell }) => ({
    id: "portlab:cells-wait-for-their-kernel",
    autoStart: true,
    provides: INotebookCellExecutor,
    activate: () => ({
      runCell: async (options) => {
        const { cell, sessionContext } = options;
        if (cell.model.type === "code" && sessionContext && !sessionContext.session?.kernel) {
          await kernelCame(sessionContext);
        }
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
