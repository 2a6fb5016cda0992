"""HotpotQA: multi-hop questions, over a generated encyclopedia or the data set's own paragraphs.

- :mod:`.task`: the :class:`HotpotQATask`
- :mod:`.question`: a question in HotpotQA's schema
- :mod:`.generated`, :mod:`.world`, :mod:`.kinds`, :mod:`.names`: fictional worlds and questions about them
- :mod:`.official`: the real questions, from files as people have them or from the hub
- :mod:`.facts`: what is told before a question, and what distracts
- :mod:`.search`: BM25 over paragraphs
"""

from agemem_gym.envs.hotpotqa.task import HotpotQATask

__all__ = ["HotpotQATask"]
