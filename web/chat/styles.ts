// The styles of the chat, in their order.

import '../ui/styles/tokens.css';
import '../ui/styles/base.css';
import '../ui/styles/parts.css';
import '../ui/styles/rows.css';
import '../ui/styles/overlays.css';
import '../ui/styles/gate.css';
import './styles/shell.css';
import './styles/conversation.css';
import './styles/writing.css';
import './styles/text.css';
import './styles/composing.css';
import './styles/media.css';
import './styles/pictures.css';
import './styles/pages.css';
