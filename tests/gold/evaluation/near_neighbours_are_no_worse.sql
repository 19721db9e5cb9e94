{{ config(severity='warn', enabled=target.name == 'evaluation') }}

-- Where neighbours are near, they say no less than where they are far: if the skill of the nearest
-- quarter is lower by more than two standard errors, the distance measures nothing of use.
select
    near.run_id,
    near.target,
    near.feature_set,
    near.skill as near_skill,
    far.skill as far_skill
from {{ ref('similarity') }} as near
inner join {{ ref('similarity') }} as far using (run_id, target, feature_set)
where
    near.quartile = 1
    and far.quartile = 4
    and near.skill - far.skill < -2 * sqrt(near.skill_se ** 2 + far.skill_se ** 2)
