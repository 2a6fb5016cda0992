"""Curriculum wrappers: three stages, distractors, and schedules over both.

- :class:`ThreeStage`: memory is built from talk, then distractors come, then the task (:mod:`.three_stage`)
- :class:`DistractorInjection`: distractors among the observations of any env (:mod:`.injection`)
- :class:`CurriculumSchedule`: how both change over training (:mod:`.schedule`), as a :class:`CurriculumConfig` says
  (:mod:`.config`)
- :mod:`.distractors`: the named sources of distractors
"""

from agemem_gym.curriculum.config import PRESETS, CurriculumConfig
from agemem_gym.curriculum.injection import DistractorInjection
from agemem_gym.curriculum.schedule import CurriculumSchedule
from agemem_gym.curriculum.talk import ORDERS
from agemem_gym.curriculum.three_stage import ThreeStage

__all__ = ["ORDERS", "PRESETS", "CurriculumConfig", "CurriculumSchedule", "DistractorInjection", "ThreeStage"]
