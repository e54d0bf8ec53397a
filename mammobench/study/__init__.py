"""The record of a search: what was asked, its trials, where they are stored, their artifacts.

From outside: `record.StudyRecord` opens or creates one, `spec.StudySpec` is what was asked,
`trial_record.TrialRecord` one trial, `paths` names its folder; `storage` and `artifacts` know databases and
buckets.
"""
