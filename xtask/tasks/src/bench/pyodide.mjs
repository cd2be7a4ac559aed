// Runs the script in PYODIDE_SCRIPT in a fresh Pyodide and prints its result.
import { loadPyodide } from "pyodide";

const python = await loadPyodide();
python.runPython(process.env.PYODIDE_SCRIPT);
console.log(python.runPython("import json; json.dumps(main())"));
