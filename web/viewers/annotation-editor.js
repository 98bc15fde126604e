// The annotation editor that Mirador is given as plugins. Where annotations are kept is our own matter: `ui/annotations/`.

import plugins from 'mirador-annotation-editor';
import 'mirador-annotation-editor/dist/index.css';

export default plugins;
